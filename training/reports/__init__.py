"""A training as one HTML page that needs nothing else, to read and to keep.

`report.py` turns the record of a training and what is kept of its test part into tables, charts and pictures; what
stands where on the page is said in `templates/`, Jinja2 templates with autoescape that `html.py` fills in. `charts.py`
draws curves, histograms, planes and intervals as SVG text. The charts are drawn by hand: a plotting library would bring
fonts, scripts or styles, and the page's content-security policy allows none.

Nothing is trained or embedded here. The pages of studies (`studies/study_report.py`) use the same parts.
"""
