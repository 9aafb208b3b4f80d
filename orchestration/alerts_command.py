"""`goalpost alerts …`: the command line for incidents and alerts.

Belongs here: arguments and printing. Does not: finding or telling incidents (alerts.py).
"""

import typer

from orchestration import alerts
from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.terminal import console, say

app = typer.Typer()


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Look for incidents, tell what is new or over, and list what is wrong now (exit code 1). Let a timer of
    the system call it, too: it notices that `goalpost dev` was killed."""
    if context.invoked_subcommand is not None:
        return
    settings, out = Settings(), console()
    alerts.look(settings)
    found = alerts.open_incidents(settings)
    for incident in found:
        say(out, f"Since {incident.since:%Y-%m-%d %H:%M} UTC: {incident.sentence}", "red")
    if waiting := alerts.undelivered(settings):
        say(
            out,
            f"{waiting} alerts wait for a receiver that did not answer: {settings.logs}/alerts.log.",
            "yellow",
        )
    if found:
        raise typer.Exit(1)
    say(out, "Nothing is wrong.")


@app.command("test")
def test_command() -> None:
    """Send a message to every URL of GOALPOST_ALERT_URLS."""
    settings = Settings()
    if not settings.alert_urls.get_secret_value().split():
        raise GoalpostError(
            f"GOALPOST_ALERT_URLS is not set: incidents are only in {settings.logs}/alerts.log. "
            "Set it to URLs of Apprise, separated by spaces, such as slack://… or mailto://…."
        )
    if refused := alerts.test(settings):
        raise GoalpostError(
            f"Not delivered: {', '.join(refused)}. Is the URL right, and the service reachable?"
        )
    say(console(), "Delivered to every receiver.")
