"""The page that says which constants of an experiment are confirmed, from its `sources`."""

import yaml

HEAD = """# What is confirmed and what is not

Constants of `{name}`, generated from its `sources` (`make docs`). A constant counts as confirmed
only where a published paper or its code states it for this use; everything else is this project's
choice and may differ from what the authors did.

"""
COLUMNS = "| constant | value | source |\n|---|---|---|\n"


def render(config: dict, name: str) -> str:
    """The page for a config as it stands in the file called `name`: unconfirmed constants first."""
    parts = [HEAD.format(name=name)]
    for verified, title in ((False, "Not confirmed"), (True, "Confirmed")):
        rows = [
            _row(config, path, cited(entry))
            for path, entry in config["sources"].items()
            if entry["verified"] is verified
        ]
        parts += [f"## {title}\n\n", COLUMNS, *rows, "\n"]
    return "".join(parts).rstrip("\n") + "\n"


def cited(entry: dict) -> str:
    """A source with its page, where it has one."""
    return entry["source"] + (f", page {entry['page']}" if "page" in entry else "")


def _row(config: dict, path: str, source: str) -> str:
    value = config
    for part in path.split("."):
        value = value[part]
    if isinstance(value, dict) and path in ("languages", "models"):
        value = sorted(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    text = text.removesuffix("...\n").strip().replace("|", "\\|")
    return f"| `{path}` | `{text}` | {source.replace('|', chr(92) + '|')} |\n"
