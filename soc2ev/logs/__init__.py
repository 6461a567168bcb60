"""What log files really hold: reading them as a stream, and the secrets and personal data that they leak."""
