"""The entry point: finds commands when they are called, and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import click

from shipworthy import __version__
from shipworthy.errors import ShipworthyError

__all__ = ["COMMANDS", "cli", "main"]

#: Commands in the order of the loop; each is a module beside this one with a click command `command`.
COMMANDS = (
    "check",
    "init",
    "schema",
    "lint",
    "size",
    "golden",
    "render",
    "lineage",
    "spec",
    "run",
    "threshold",
    "compare",
    "decide",
    "sign",
    "status",
    "report",
    "readiness",
    "verify",
    "anchor",
    "agreement",
    "metrics",
    "scorers",
    "demo",
)


class _Commands(click.Group):
    """A group that imports a command's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the loop."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"shipworthy.cli.{cmd_name}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one is nearest."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from shipworthy.errors import UsageError, nearest

            raise UsageError(f"There is no command {name!r}.", fix=nearest(name, COMMANDS))
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First five minutes: shipworthy check graded.csv 'good >= 80%' 'harmful <= 8%'",
)
@click.version_option(__version__, prog_name="shipworthy")
def cli() -> None:
    """Is this AI product good enough to ship, how sure are we, and what must stand around it?

    \b
    Exit codes: 0 ship; 1 hold or roll back; 2 wrong usage, spec or input;
    3 invalid evidence, failed verification or a fault of Shipworthy; 4 ship with
    guardrails; 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Args:
        arguments: Words after the program's name; by default the process's own.
    """
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    # A command lives for seconds and makes many small objects; looking for garbage often only costs time.
    gc.set_threshold(100_000, 50, 100)
    try:
        code = cli.main(arguments, prog_name="shipworthy", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as exit_:
        return int(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was finished is kept; the same command goes on from there.", err=True)
        return 130
    except ShipworthyError as error:
        click.echo(f"error: {_printable(str(error))}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader went away; Python would complain again while closing standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if os.environ.get("SHIPWORTHY_DEBUG"):
            raise
        place = f"{_printable(str(error.filename))}: " if error.filename else ""
        click.echo(
            f"error: {place}{error.strerror or _printable(str(error))}.\n"
            "  → Check that the folder is there, can be written to and has room. Nothing was written half.",
            err=True,
        )
        return 3
    except Exception as error:
        if os.environ.get("SHIPWORTHY_DEBUG"):
            raise
        click.echo(
            f"error: Shipworthy itself failed: {type(error).__name__}: {_printable(str(error))[:500]}\n"
            "  → Nothing was written half. Set SHIPWORTHY_DEBUG=1 to see where, and please report it.",
            err=True,
        )
        return 3


def _printable(text: str) -> str:
    """Return text whose control characters cannot act on a terminal."""
    return "".join(letter if letter == "\n" or letter.isprintable() else "�" for letter in text)


if __name__ == "__main__":
    main()
