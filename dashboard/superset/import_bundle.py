"""Import the bundle over what an earlier one made. Runs in Superset's environment.

Superset's own `import-dashboards` keeps the charts and descriptions that are there.
"""

import sys
from zipfile import ZipFile

from flask import g
from superset.app import create_app

app = create_app()
with app.app_context():
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle

    g.user = security_manager.find_user(username="admin")
    with ZipFile(sys.argv[1]) as bundle:
        contents = get_contents_from_bundle(bundle)
    contents["metadata.yaml"] = contents["metadata.yaml"].replace("Dashboard", "assets")
    ImportAssetsCommand(contents).run()
