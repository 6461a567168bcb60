"""soc2ev: SOC 2 evidence that an auditor can re-perform."""

__version__ = "0.1.0"
