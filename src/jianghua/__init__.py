"""Jianghua (讲话): what officials' speeches do, paragraph by paragraph."""

__version__ = "0.5.0"
