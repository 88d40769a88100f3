"""Several processes that train one run; a single process is the simplest case."""
