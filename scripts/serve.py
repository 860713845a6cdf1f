"""The demo on this machine: paste or drop a speech, see what each paragraph does: `python scripts/serve.py`."""

from jianghua.command import BadUsage, command


@command("serve", paths=("model_path", "runs", "host"))
def main(config):
    from pathlib import Path

    from jianghua.hub.serve import free_port, start
    from jianghua.models import load_classifier
    from jianghua.training import model_folder

    if not 1 <= config.port <= 65535:
        raise BadUsage(f"port={config.port}: a port is a number from 1 to 65535")
    free_port(config.host, config.port)
    folder = model_folder(config.model_path, Path(config.runs))
    start(load_classifier(folder, config.device), folder.as_posix(), config.host, config.port)


if __name__ == "__main__":
    main()
