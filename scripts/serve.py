"""The demo on this machine: paste or drop a speech, see what each paragraph does: `python scripts/serve.py`."""

from jianghua.command import BadUsage, command


@command("serve", paths=("model_path", "runs", "host"))
def main(config):
    from pathlib import Path

    from jianghua.hub.serve import free_port, start
    from jianghua.models import load_classifier
    from jianghua.training import find_default_model

    if not 1 <= config.port <= 65535:
        raise BadUsage(f"port={config.port}: a port is a number from 1 to 65535")
    free_port(config.host, config.port)
    folder = Path(config.model_path) if config.model_path else find_default_model(Path(config.runs))
    if not (folder / "config.json").is_file() and (folder / "model" / "config.json").is_file():
        folder = folder / "model"
    start(load_classifier(folder, config.device), folder.as_posix(), config.host, config.port)


if __name__ == "__main__":
    main()
