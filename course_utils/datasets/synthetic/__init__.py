"""Pictures drawn from a seed, with their labels, and their archives in the published layouts."""
