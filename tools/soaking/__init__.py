"""Recording under load: real processes, killed or in a crowd."""
