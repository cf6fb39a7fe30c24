"""A run, shown: every view here is a function of `Run` and of nothing else.

`present` says how numbers and states read and turns spans into rows; `static` (HTML,
text), `tables` (pandas, files, plots) and `live` (the widget, the terminal, what a
notebook's output holds) are its forms. `schema` describes an exported file.
"""
