"""deploy/: what it holds is valid, and a backup is restored as docs/deployment.md says."""

import base64
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from homes import first_home, goalpost, install
from test_kill import differences
from test_warehouse import OtherProcess

from orchestration.settings import PROJECT_ROOT, Settings

DEPLOY = PROJECT_ROOT / "deploy"


def needs(program: str, package: str) -> str:
    """The program's path. Skips the test, with the reason, if it is not there."""
    if not shutil.which(program):
        install(package)
    if not (found := shutil.which(program)):
        pytest.skip(f"There is no {program}, and this user cannot install it: apt-get install {package}")
    return found


# ---- backups -----------------------------------------------------------------------------------------------


def back_up(settings: Settings, backups: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"GOALPOST_HOME": str(settings.home), "GOALPOST_BACKUPS": str(backups), **more}
    return subprocess.run(
        [DEPLOY / "backup.sh"], env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


def land(settings: Settings, day: int) -> None:
    (Path(settings.landing) / "events" / f"{day}.csv").write_text(
        f"workspace_id,event_id,profile_id,name,occurred_at\nw,of day {day},p,purchase,2026-01-{day:02}\n"
    )


@pytest.mark.long
def test_a_destroyed_home_is_restored_and_runs_on_as_if_nothing_had_happened(tmp_path: Path):
    settings, backups = first_home(tmp_path), tmp_path / "backups"
    done = back_up(settings, backups)
    assert done.returncode == 0, done.stderr
    [backup] = backups.iterdir()

    land(settings, 20)
    assert goalpost(settings, "run", "--as-of", "2026-02-01").returncode == 0
    kept = Settings(home=settings.home.rename(tmp_path / "kept"), landing=settings.landing)

    shutil.copytree(backup, settings.home)
    assert goalpost(settings, "run", "--as-of", "2026-02-01").stdout.startswith("Running: 1 new file.")
    assert differences(kept, settings) == {}


def test_a_backup_waits_for_the_run_and_the_oldest_go(tmp_path: Path):
    settings, backups = Settings(home=tmp_path / "home"), tmp_path / "backups"
    settings.home.mkdir()
    settings.warehouse.write_bytes(b"warehouse")
    backups.mkdir()
    for night in range(1, 5):
        (backups / f"2026010{night}T033000Z").mkdir()
    (backups / "20260105T033000Z.unfinished").mkdir()
    with OtherProcess(settings, "with single_writer(settings):"):
        waiting = threading.Thread(
            target=back_up, args=(settings, backups), kwargs={"GOALPOST_BACKUPS_KEPT": "3"}
        )
        waiting.start()
        time.sleep(1)
        assert not [*backups.glob("*/warehouse.duckdb")]
    waiting.join()
    kept = sorted(each.name for each in backups.iterdir())
    assert kept[:2] == ["20260103T033000Z", "20260104T033000Z"]
    assert [file.name for file in (backups / kept[2]).iterdir()] == ["warehouse.duckdb"]
    assert len(kept) == 3
    assert settings.writer_lock.read_text() == ""


# ---- files that other programs read ------------------------------------------------------------------------


def test_systemd_takes_the_units(tmp_path: Path):
    needs("systemd-analyze", "systemd")
    units = tmp_path / "units"
    shutil.copytree(DEPLOY / "systemd", units)
    for unit in units.rglob("*.service"):
        text = unit.read_text()
        assert "/opt/goalpost/" in text
        unit.write_text(
            text.replace("/opt/goalpost/.venv/bin", str(Path(sys.executable).parent)).replace(
                "/opt/goalpost", str(PROJECT_ROOT)
            )
        )
    names = [str(each) for each in sorted(units.iterdir()) if each.is_file()]
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:"}
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, env=environment
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    for service in units.glob("*.service"):
        # 10 is a service that may do what root may; 2 one that is shut in.
        shut_in = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(service)]
        assert subprocess.run(shut_in, capture_output=True, env=environment).returncode == 0, service.name


def test_the_dockerfile_has_no_fault_that_a_linter_finds():
    hadolint = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_each_container_of_ours_is_a_command_that_exists_and_none_but_the_proxy_is_reached():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    ours = {name: each for name, each in services.items() if each["image"] == "goalpost"}
    assert set(ours) == {"code", "daemon", "web", "dashboard", "alerts", "backup"}
    for name, each in ours.items():
        command = each["command"] or each["entrypoint"]
        if "serve" in command:
            assert command == ["serve", name]
        assert each["read_only"] and each["cap_drop"] == ["ALL"]
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    for place in {
        mount for each in services.values() for mount in each.get("volumes", ()) if mount[0] == "."
    }:
        assert (DEPLOY / place.split(":")[0]).is_file(), place


# ---- the proxy ---------------------------------------------------------------------------------------------


class Page(BaseHTTPRequestHandler):
    """Answers with the headers that it got; switches protocols if it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.server.server_name} {self.headers}".encode()
        self.send_response(101 if self.headers["Upgrade"] else 200)
        if self.headers["Upgrade"]:
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "upgrade")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not self.headers["Upgrade"]:
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def proxy(folder: Path) -> Iterator[int]:
    """The port of a real nginx with our configuration: other ports, other places of its files."""
    nginx = needs("nginx", "nginx-light")
    page = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    port, plain = free_port(), free_port()
    pair = ["-keyout", folder / "goalpost.key", "-out", folder / "goalpost.crt"]
    subject = ["-subj", "/CN=goalpost.example.com", "-days", "1", "-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *pair, *subject], check=True, capture_output=True
    )
    secret = subprocess.run(
        ["openssl", "passwd", "-6", "s3cret"], check=True, capture_output=True, text=True
    ).stdout
    (folder / "goalpost.htpasswd").write_text(f"ann:{secret}")
    for name in ("goalpost.conf", "upstreams.conf"):
        text = (DEPLOY / "nginx" / name).read_text()
        for here, there in {
            "/etc/nginx": str(folder),
            "listen 443": f"listen 127.0.0.1:{port}",
            "listen 80 ": f"listen 127.0.0.1:{plain} ",
            "127.0.0.1:3000": f"127.0.0.1:{page.server_port}",
            "127.0.0.1:8501": f"127.0.0.1:{page.server_port}",
        }.items():
            text = text.replace(here, there)
        (folder / name).write_text(text)
    main = folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    main.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root; events {{}}\n"
        f"http {{ {temporary} access_log off; "
        f"include {folder}/upstreams.conf; include {folder}/goalpost.conf; }}\n"
    )
    command = [nginx, "-c", main, "-p", folder]
    tested = subprocess.run([*command, "-t", "-q"], capture_output=True, text=True)
    assert (tested.returncode, tested.stderr) == (0, "")
    with subprocess.Popen(command) as process:
        try:
            yield port
        finally:
            process.terminate()
            page.shutdown()


def test_the_proxy_asks_for_a_login_keeps_the_password_and_lets_websockets_through(tmp_path: Path):
    login = {"Authorization": "Basic " + base64.b64encode(b"ann:s3cret").decode()}
    with proxy(tmp_path) as port:

        def get(host: str, **headers: str) -> tuple[int, str]:
            context = ssl.create_default_context(cafile=str(tmp_path / "goalpost.crt"))
            context.check_hostname = False
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
            connection.request("GET", "/", headers={"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode() if answer.status == 200 else ""

        wait_for(port)
        for host in ("goalpost.example.com", "goals.example.com"):
            assert get(host)[0] == 401
            assert get(host, Authorization="Basic " + base64.b64encode(b"ann:wrong").decode())[0] == 401
            status, headers = get(host, **login)
            assert status == 200
            assert f"Host: {host}" in headers and "X-Forwarded-Proto: https" in headers
            assert "Basic" not in headers
            assert get(host, Upgrade="websocket", Connection="Upgrade", **login)[0] == 101


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
