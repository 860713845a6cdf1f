"""Starting the demo on this machine, without a connection to anywhere else."""

import os
import socket
import time

from jianghua.schema import BadData


def free_port(host: str, port: int) -> None:
    """Refuse a host that is not ours or a port that something else listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadData(f"{host}:{port} cannot be used ({error.strerror}); choose another port= or host=") from None


def start(classifier, name: str, host: str, port: int) -> None:
    """Serve until a signal comes."""
    for setting, value in (("GRADIO_ANALYTICS_ENABLED", "False"), ("HF_HUB_OFFLINE", "1")):
        os.environ[setting] = value
    try:
        import gradio
    except ImportError:
        raise BadData("the demo needs Gradio: pip install 'jianghua[demo]'") from None
    from jianghua.hub.space.app import interface

    theme = gradio.themes.Base(font=["sans-serif"], font_mono=["monospace"])  # the default ones come from a server
    app = interface(classifier, name)
    app.launch(server_name=host, server_port=port, share=False, quiet=True, prevent_thread_lock=True, theme=theme)
    print(f"http://{host}:{port}   model {name}   Ctrl-C ends it", flush=True)
    try:
        while True:
            time.sleep(1)
    finally:
        app.close(verbose=False)
