"""Write rollouts by hand, byte for byte: the damaged and early ones that no client writes for us.

Standard library only, and it never imports `rollout`: what is written here is what `rollout` is
tested with. `tools/make_handmade.py` makes the fixtures; the interop tests write theirs in place.
"""
