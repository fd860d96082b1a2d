"""The files of one rollout: names, lines, headers."""
