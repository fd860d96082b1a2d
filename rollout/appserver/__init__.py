"""A server that speaks the protocol of agent clients over the threads of one home."""
