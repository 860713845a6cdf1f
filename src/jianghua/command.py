"""What every script's entry shares: Hydra with file names as people type them, and honest exits.

    from jianghua.command import command

    @command("ingest", paths=("input", "output"))
    def main(config):
        ...

    if __name__ == "__main__":
        main()

`conf/ingest.yaml` beside the scripts folder is the configuration. The options named in `paths` are
quoted before Hydra's grammar sees them, so `input=讲话（1）.docx`, `a(1).docx`, names with commas,
`=`, spaces or `~` arrive as they are. Relative paths are relative to the working folder; a path
inside the checkout is written `${root:data}` in the configuration files.

Exit status: 0 done; 1 `BadData` or a failed job; 2 bad usage or configuration; 128 + n on signal n.
Errors are one line on standard error; `JIANGHUA_TRACEBACK=1` adds the traceback.
"""

import functools
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from jianghua.schema import BadData, BadUsage


class Interrupted(BaseException):
    """A signal that ends the script once its `finally` blocks have run."""

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


def quote_path_options(arguments: list[str], paths: tuple[str, ...]) -> list[str]:
    """Put the values of the options `paths` into Hydra quotes, unless they stand in quotes already."""
    quoted = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        own_quotes = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        if not equals or name.lstrip("+") not in paths or value in ("", "null") or own_quotes:
            quoted.append(argument)
            continue
        if value.startswith("~") and not os.path.exists(value):
            value = os.path.expanduser(value)
        # Hydra reads a backslash before a quote as an escape, so those before the quote are doubled
        value = re.sub(r"(\\*)'", lambda m: m[1] * 2 + r"\'", value)
        value = re.sub(r"(\\+)$", lambda m: m[1] * 2, value)
        quoted.append(f"{name}='{value.replace('${', chr(92) + '${')}'")
    return quoted


def register_root(root: str | Path) -> None:
    """Let `${root:data}` in a configuration mean the folder data/ of the checkout at `root`."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("root", lambda path="": str(Path(root, path)), replace=True)


def _one_line(error: BaseException) -> str:
    from omegaconf.errors import MissingMandatoryValue

    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key or 'an option'}= is required; --help shows the options"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(line for line in lines if not line.startswith(("full_key:", "object_type=")))
    return text or type(error).__name__


def _report(error: BaseException, status: int, prefix: str = "error") -> int:
    print(f"{prefix}: {_one_line(error)}", file=sys.stderr)
    if os.environ.get("JIANGHUA_TRACEBACK"):
        traceback.print_exception(error)
    return status


def command(name: str, paths: tuple[str, ...] = ()) -> Callable:
    """Make a function of one configuration into a script's `main()`, as the module's text says."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def main() -> None:
            sys.exit(_run(function, name, paths))

        return main

    return decorate


def check_types(config, name: str) -> None:
    """Refuse an option whose value is of another kind than its default: `seed=abc`, `rerun=perhaps`."""
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    chosen = HydraConfig.get()
    given = [override for override in chosen.overrides.task if override[0] not in "+~"]
    groups = [override for override in given if override.partition("=")[0] in chosen.runtime.choices]
    defaults = compose(name, overrides=groups)
    kinds = {bool: "true or false", int: "a whole number", float: "a number"}
    for key in {override.partition("=")[0] for override in given}:
        default, value = OmegaConf.select(defaults, key), OmegaConf.select(config, key)
        wanted = kinds.get(type(default))
        fits = type(value) is type(default) or (type(default) is float and type(value) is int)
        if wanted and not fits:
            raise BadUsage(f"{key}={value}: {key}= takes {wanted}")


def _run(function: Callable, name: str, paths: tuple[str, ...]) -> int:
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    root = Path(sys.argv[0]).resolve().parents[1]
    register_root(root)
    sys.argv[1:] = quote_path_options(sys.argv[1:], paths)
    # read when torch loads: threads that spin at barriers fall to a sixth of their speed as soon as another
    # process wants a core; sleeping ones lose a few per cent on an idle machine
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # otherwise Hydra prints several lines of its own and exits with 1 for a usage error
    os.environ["HYDRA_FULL_ERROR"] = "1"

    def stop(number, frame):
        raise Interrupted(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    failure: list[Exception] = []

    def job(config) -> None:
        from hydra.core.hydra_config import HydraConfig

        if HydraConfig.get().mode.name == "MULTIRUN":  # launchers must see that a job failed
            check_types(config, name)
            function(config)
            return
        try:
            check_types(config, name)
            function(config)
        except Exception as error:  # raised below: passing through Hydra would print a line of Hydra's own
            failure.append(error)

    try:
        hydra.main(version_base="1.3", config_path=str(root / "conf"), config_name=name)(job)()
        if failure:
            raise failure[0]
    except (BadUsage, HydraException, OmegaConfBaseException) as error:
        return _report(error, 2, "usage")
    except BadData as error:
        return _report(error, 1)
    except Interrupted as error:
        return _report(error, 128 + error.number, "interrupted")
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        return _report(error, 1, f"failed (JIANGHUA_TRACEBACK=1 shows where): {type(error).__name__}")
    return 0
