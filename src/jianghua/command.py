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

With `-m` a script runs one job a combination of options, here or where `hydra/launcher=` runs them. A job that
fails is one line and stops no other; the script ends with the worst status. A job may run in another process, whose
return value never comes here, so each leaves what came of it in a file.
"""

import argparse
import functools
import gc
import itertools
import json
import math
import os
import re
import secrets
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from jianghua.files import write_atomic
from jianghua.schema import BadData, BadUsage

STOPS = (signal.SIGINT, signal.SIGTERM)
# objects made between two looks for garbage, 700 by default: what a script imports and reads lives until its end, and
# looking through it again and again costs seconds before a first training step
GARBAGE_EVERY = 50_000
NOTES = "JIANGHUA_NOTES"  # the variable that names the folder of a sweep's notes, see conf/quiet.yaml


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


def refuse_bare_arguments(arguments: list[str]) -> None:
    """`BadUsage` for a file or a word alone, which Hydra's grammar answers with its own words.

    What follows a flag of Hydra's may be the flag's.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if "=" not in argument and argument[:1] not in ("-", "~") and not before.startswith("-"):
            raise BadUsage(f"{argument}: options are OPTION=VALUE; --help shows them")


def register_root(root: str | Path) -> None:
    """Let `${root:data}` in a configuration mean the folder data/ of the checkout at `root`."""
    from omegaconf import OmegaConf

    OmegaConf.register_new_resolver("root", lambda path="": str(Path(root, path)), replace=True)


def _one_line(error: BaseException) -> str:
    from omegaconf.errors import MissingMandatoryValue

    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key or 'an option'}= is required; --help shows the options"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # after what can be chosen, Hydra lists the folders it looked in
    lines = itertools.takewhile(lambda line: line != "Config search path:", lines)
    left_out = ("full_key:", "object_type=", "To append to your config use")
    text = " ".join(line for line in lines if not line.startswith(left_out))
    text, grammar, _ = text.partition(" See https://hydra.cc")
    if grammar:
        text += "; a list is [A,B], and a value with other marks stands in quotes: \"'A (1)'\""
    if text.startswith("Could not override"):
        text = f"{text.rstrip('.')}; --help shows the options"
    return text or type(error).__name__


def _verdict(error: BaseException, job: str = "") -> tuple[int, str]:
    """Exit status and line of an error; `job` says which of several failed."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    status, prefix = 1, f"failed (JIANGHUA_TRACEBACK=1 shows where): {type(error).__name__}"
    if isinstance(error, (BadUsage, HydraException, OmegaConfBaseException)):
        status, prefix = 2, "usage"
    elif isinstance(error, BadData):
        prefix = "error"
    elif isinstance(error, Interrupted):
        status, prefix = 128 + error.number, "interrupted"
    return status, ": ".join(filter(None, [prefix, job, _one_line(error)]))


def _complain(line: str, error: BaseException) -> None:
    print(line, file=sys.stderr)
    if os.environ.get("JIANGHUA_TRACEBACK"):
        traceback.print_exception(error)


def _reader_gone() -> int:
    """Let nothing more be written to who stopped reading; returns the exit status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _refuse_arguments(parser: argparse.ArgumentParser, message: str) -> None:
    raise BadUsage(f"{message}; --help shows the options")


def _status(action: Callable[[], object]) -> int:
    """The exit status of what `action` does; what goes wrong in it is one line on standard error."""
    try:
        action()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BrokenPipeError:
        return _reader_gone()
    except (Exception, Interrupted) as error:
        status, line = _verdict(error)
        _complain(line, error)
        return status
    return 0


def command(
    name: str,
    paths: tuple[str, ...] = (),
    nullable: tuple[str, ...] = (),
    together: Callable[[list], None] | None = None,
) -> Callable:
    """Make a function of one configuration into a script's `main()`, as the module's text says.

    `nullable` are the options that take null though some configuration has another default.
    Where `together` is given, the function returns under `-m` an object that JSON can hold, with a line about the
    job as `"said"`, and `together` is called at the end with those of all jobs that did not fail, in their order.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def main() -> None:
            gc.set_threshold(GARBAGE_EVERY)
            sys.exit(_run(function, name, paths, nullable, together))

        return main

    return decorate


def check_types(config, name: str, paths: tuple[str, ...], nullable: tuple[str, ...]) -> None:
    """Refuse an option whose value is of another kind than its default: `seed=abc`, `rerun=perhaps`, `input=`."""
    from hydra import compose
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    chosen = HydraConfig.get()
    given = [override for override in chosen.overrides.task if override[0] not in "+~"]
    groups = [override for override in given if override.partition("=")[0] in chosen.runtime.choices]
    defaults = compose(name, overrides=groups)
    known = OmegaConf.to_container(defaults, resolve=False)
    for override in chosen.overrides.task:
        key = override.lstrip("+").partition("=")[0]
        if override[0] == "+" and key not in chosen.runtime.choices and not _has(known, key.split(".")):
            raise BadUsage(f"{key}: no such option; --help shows the options")
        if override[0] == "~" and key.lstrip("~") not in chosen.runtime.choices:
            raise BadUsage(f"{override}: an option cannot be taken away; give it another value")
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    for key in {override.partition("=")[0] for override in given}:
        default, value = OmegaConf.select(defaults, key), OmegaConf.select(config, key)
        if value is None and OmegaConf.is_missing(defaults, key):
            raise BadUsage(f"{key}=null: {key}= is required; --help shows the options")
        if value == "" and key in paths:
            raise BadUsage(f"{key}=: takes a path; the folder you are in is {key}=.")
        wanted = "a list, as [a,b]" if OmegaConf.is_list(default) else kinds.get(type(default))
        fits = type(value) is type(default) or (type(default) is float and type(value) is int)
        if type(default) is str and type(value) in (int, float):
            wanted += f", a number as '\"{value}\"'"
        if wanted and not fits and not (value is None and key in nullable):
            raise BadUsage(f"{key}={value}: {key}= takes {wanted}")


def _has(tree: object, path: list[str]) -> bool:
    return not path or (isinstance(tree, dict) and path[0] in tree and _has(tree[path[0]], path[1:]))


def _sweep_size(folder: Path) -> int | None:
    """How many jobs Hydra's own sweeper was asked for; None under another one, which may decide as it goes."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    if not (folder / "multirun.yaml").is_file():
        return None
    sweep = OmegaConf.load(folder / "multirun.yaml").hydra
    given = [f"{key}={value}" for key, value in (sweep.sweeper.get("params") or {}).items()]
    choices = {}
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())  # for model=glob(*)
    for override in parser.parse_overrides([*given, *sweep.overrides.task]):
        several = override.is_sweep_override()
        choices[override.get_key_element()] = len(list(override.sweep_string_iterator())) if several else 1
    return math.prod(choices.values())


def _one_of_several(job: Callable, config, notes: Path, parent: int) -> object:
    """One job of a sweep: its result, or what went wrong, goes to a file in `notes` and, as one line, to who waits."""
    from hydra.core.hydra_config import HydraConfig

    hydra = HydraConfig.get()
    outcome = {"status": 0, "seen": os.getpid() == parent}
    failure = None
    try:
        outcome["result"] = job(config)
    except BrokenPipeError:
        raise
    except Exception as error:  # not raised: the sweeper would stop at the first and print a line of its own
        failure = error
        outcome["status"], outcome["line"] = _verdict(error, " ".join(hydra.overrides.task))
    write_atomic(notes / f"job-{hydra.job.num:06d}.json", json.dumps(outcome, ensure_ascii=False))
    if failure:
        if outcome["seen"]:  # what another process says may or may not arrive: `_conclude` says it
            _complain(outcome["line"], failure)
    elif isinstance(outcome["result"], dict) and "said" in outcome["result"]:
        size = _sweep_size(Path(hydra.sweep.dir))
        left = "" if size is None else f"; jobs left: {size - len(list(notes.glob('job-*.json')))}"
        print(outcome["result"]["said"] + left, flush=True)
    return outcome.get("result")


def _conclude(notes: Path, together: Callable[[list], None] | None) -> int:
    """The worst status of a sweep's jobs; what they give together is shown."""
    outcomes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(notes.glob("job-*.json"))]
    for outcome in outcomes:
        if outcome["status"] and not outcome["seen"]:  # its line went to the log of another process
            print(outcome["line"], file=sys.stderr)
    results = [outcome["result"] for outcome in outcomes if not outcome["status"]]
    status = max((outcome["status"] for outcome in outcomes), default=0)
    if together and results:
        status = max(status, _status(lambda: together(results)))
    return status


def _tidy(notes: Path, status: int) -> None:
    """Remove a sweep's notes; of a failed one, what a launcher logged of its jobs stays."""
    if status == 0:
        shutil.rmtree(notes, ignore_errors=True)
    for path in [notes / "multirun.yaml", *notes.glob("job-*.json")]:
        path.unlink(missing_ok=True)
    for folder in (notes, notes.parent):
        try:
            folder.rmdir()
        except OSError:  # never made, or not empty
            pass


def _help(conf: Path, name: str, arguments: list[str]) -> str:
    """The script's configuration as it is written, comments and all, and those it chooses from its groups."""
    from omegaconf import OmegaConf

    page = (conf / f"{name}.yaml").read_text(encoding="utf-8")
    for default in OmegaConf.create(page).get("defaults", []):
        group, chosen = next(iter(default.items())) if not isinstance(default, str) else (default, None)
        if not (conf / group).is_dir():
            continue
        given = [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{group}=")]
        chosen = given[-1].partition(",")[0] if given else chosen
        names = sorted(file.stem for file in (conf / group).glob("*.yaml"))
        page += f"\n# {group}= is one of {', '.join(names)}\n"
        if chosen in names:
            text = (conf / group / f"{chosen}.yaml").read_text(encoding="utf-8")
            page += f"# {group}={chosen}; an option of it is {group}.OPTION=\n{text}"
    title = (sys.modules["__main__"].__doc__ or name).splitlines()[0]
    return f"""{title}

Options are OPTION=VALUE; these are all, with what they are unless given (??? is required):

{page}
-m runs a job for each combination of several values: OPTION=A,B
--cfg job prints the configuration that would run; --hydra-help shows the other flags"""


def _run(
    function: Callable,
    name: str,
    paths: tuple[str, ...],
    nullable: tuple[str, ...],
    together: Callable[[list], None] | None,
) -> int:
    root = Path(sys.argv[0]).resolve().parents[1]
    if {"--help", "-h"} & set(sys.argv[1:]):
        return _status(lambda: print(_help(root / "conf", name, sys.argv[1:])))
    sys.argv[1:] = quote_path_options(sys.argv[1:], paths)
    # read when torch loads: threads that spin at barriers fall to a sixth of their speed as soon as another
    # process wants a core (benchmarks/disturbed.py times both)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # otherwise Hydra prints several lines of its own and exits with 1 for a usage error
    os.environ["HYDRA_FULL_ERROR"] = "1"
    argparse.ArgumentParser.error = _refuse_arguments  # the parser is Hydra's; its own way is eight lines
    # here and not in the system's temporary folder, which a cluster's nodes do not share
    notes = Path.cwd() / ".multirun" / secrets.token_hex(4)
    os.environ[NOTES] = str(notes)
    parent = os.getpid()

    def stop(number, frame):
        if signal.getsignal(number) is signal.SIG_IGN:
            return
        for each in STOPS:  # a second one would break into what the first has begun to tidy up
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in STOPS}
    for stream in (sys.stdout, sys.stderr):  # a file's name may hold what the terminal cannot show
        stream.reconfigure(errors="backslashreplace")
    failure: list[Exception] = []

    def checked(config) -> object:
        check_types(config, name, paths, nullable)
        return function(config)

    def job(config) -> object:
        from hydra.core.hydra_config import HydraConfig

        register_root(root)  # a launcher may have brought the job to another process
        if HydraConfig.get().mode.name == "MULTIRUN":
            try:
                return _one_of_several(checked, config, notes, parent)
            except BrokenPipeError:  # would be a failed job like any other
                raise SystemExit(_reader_gone()) from None
        try:
            return checked(config)
        except Exception as error:  # raised below: passing through Hydra would print a line of Hydra's own
            failure.append(error)
            return None

    def start() -> None:
        import hydra  # here: a signal may come in the second that this takes

        register_root(root)
        refuse_bare_arguments(sys.argv[1:])
        try:
            hydra.main(version_base="1.3", config_path=str(root / "conf"), config_name=name)(job)()
        except ValueError as error:  # Hydra's word for flags that do not go together; those of jobs end in `failure`
            raise BadUsage(str(error)) from error
        if failure:
            raise failure[0]

    status = 1
    try:
        status = _status(start)
        if status < 128:
            status = max(status, _conclude(notes, together))
        return status
    finally:
        _tidy(notes, status)
        for number, handler in before.items():  # what libraries do at the end is not to be broken into
            signal.signal(number, handler)
