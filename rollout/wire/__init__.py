"""The public JSON shapes: one per thing, shared by every surface."""
