def keep(results): pass
