"""Whether a file is what it says: read within bounds, and signed by this computer where it was made here.

`regular_file` reads, hashes and copies files that a stranger may have put there: never a pipe, never more than a limit,
never more at once than there is. `signatures` tells what this computer has made from what comes from elsewhere, for
everything that is mapped or run without being understood: search files, converted models, thumbnails.

Nothing here knows what the files hold.
"""
