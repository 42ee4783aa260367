"""Write docs/cli.md from the commands themselves: python scripts/cli_reference.py"""

from collections.abc import Iterator
from pathlib import Path

import click

from xcodec.cli import cli

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
FRONT = """# Command line

Made by `scripts/cli_reference.py` from the commands themselves; `xcodec COMMAND --help` says the
same.

Exit codes: 0 all went well, 1 an error (one line on standard error), 2 wrong usage, 130
interrupted, 143 ended by SIGTERM.

Completion of commands and options with the tab key, once in the file that your shell starts with:

```sh
eval "$(_XCODEC_COMPLETE=bash_source xcodec)"         # ~/.bashrc
eval "$(_XCODEC_COMPLETE=zsh_source xcodec)"          # ~/.zshrc
_XCODEC_COMPLETE=fish_source xcodec | source          # ~/.config/fish/completions/xcodec.fish
```
"""


def sections(
    command: click.Command, path: str, parent: click.Context | None = None
) -> Iterator[str]:
    """A command's help and that of those below it, in alphabetical order."""
    # A fixed width: else the page would follow the terminal.
    name, settings = path.split()[-1], command.context_settings
    context = click.Context(command, parent, name, terminal_width=100, **settings)
    yield f"## `{path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from sections(below, f"{path} {name}", context)


def page() -> str:
    """The whole page."""
    return FRONT + "\n" + "\n".join(sections(cli, "xcodec"))


if __name__ == "__main__":
    PAGE.write_text(page())
