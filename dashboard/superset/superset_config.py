"""Superset's settings: its state in SUPERSET_HOME, for people at this machine."""

import os
import secrets
from pathlib import Path

_home = Path(os.environ["SUPERSET_HOME"])
_key = _home / "secret_key"
if not _key.exists():
    _key.write_text(secrets.token_urlsafe(42))

SECRET_KEY = _key.read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_home}/superset.db"
APP_NAME = "Goalpost in Superset"
ROW_LIMIT = 10_000
# No access from other machines: no need for https, and a page needs nothing from the web.
TALISMAN_ENABLED = False
WTF_CSRF_ENABLED = True
DASHBOARD_TEMPLATE_ACCESS_ROLES: list[str] = []
CONTENT_SECURITY_POLICY_WARNING = False
