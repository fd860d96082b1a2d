"""Hostile clients of `rollout app-server`: what they send, what it costs, and what they leave behind."""
