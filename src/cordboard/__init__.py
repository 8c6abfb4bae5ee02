"""Cordboard: phone numbers, SIP trunks and agents behind one API, and the SIP edge that carries the calls."""

from importlib.metadata import version

__version__ = version("cordboard")
