"""The demo on this machine: paste or drop a speech, see what each paragraph does: `python scripts/serve.py`."""

from jianghua.command import command


@command("serve", paths=("model_path", "runs", "host"))
def main(config):
    from pathlib import Path

    from jianghua.hub.serve import free_port, start
    from jianghua.models import load_classifier
    from jianghua.schema import check_number
    from jianghua.training import model_folder

    check_number("port", config.port, 1, 65535, whole=True)
    free_port(config.host, config.port)
    folder = model_folder(config.model_path, Path(config.runs))
    start(load_classifier(folder, config.device), folder.as_posix(), config.host, config.port)


if __name__ == "__main__":
    main()
