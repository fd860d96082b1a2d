"""The rollout store: the place where an agent's conversations live."""
