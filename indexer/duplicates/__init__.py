"""What is in a library more than once, and what may go: from groups to a reviewed list to the system's trash.

    duplicate_groups       groups of exact copies, near copies, look-alikes, and blank pictures
    thumbnail_comparison   which proposed pairs are near copies, by the pixels of their thumbnails
    keep_rules             which files of a group to keep: the largest, oldest, newest, best named, those in a folder
    removal_plan           what a rule keeps and what may go, as a table to be read and changed
    trash                  moves what a plan says to the trash, under guards, and puts it back
    trash_journal          what went there, written before and after each move
    trash_folders          where the system keeps it

`trash` alone touches files, and only by the user's express act. A group says what is alike, a rule what to keep, a plan
what may go; none of the three does anything.
"""
