"""The line at the foot of the window, and the list above it: all that is at work, and what became of what was.

`status_line` is the line: the first work with its bar and what stops it, else the newest notice; at its right what the
library holds. `work_panel` is the list of all works and notices, which the line opens. `desktop_progress` tells the
desktop: a bar on the program's icon, and a hint at the end of a long work.

None keeps anything of a work: they show what workers.work_list answers, and so nothing that has ended.
"""
