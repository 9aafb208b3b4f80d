"""`goalpost` starts here, so that it can be interrupted from the first moment on.

Belongs here: nothing else. Does not: any import before `listen` (importing cli.py takes half a second).
"""

from orchestration.interruption import listen


def main() -> None:
    listen()
    from orchestration.cli import main

    main()


if __name__ == "__main__":
    main()
