"""The stored format: bytes to values and back, without I/O."""
