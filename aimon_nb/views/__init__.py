"""A run, shown: every view here is a function of `Run` and of nothing else.

`words` says how numbers and states read, `rows` turns spans into plain data,
and the rest are forms of the same tree: `widget` (live), `html` (saved), `text`
(terminal), with `bundle` putting them together for a notebook.
"""
