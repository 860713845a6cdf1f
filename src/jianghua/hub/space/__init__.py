"""The demo that a Space runs and `scripts/serve.py` starts."""
