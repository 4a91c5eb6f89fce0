"""How good, how safe and how sure: evaluators, detectors, judges' prompts and statistics.

Nothing in this package knows about the web framework, the database or the applications above it,
so that an answer can be guarded, an experiment scored and traffic watched by one definition.
"""
