"""What is in a library more than once, and what may go: from groups to a reviewed list to the system's trash.

duplicate_groups       groups of exact copies, near copies, look-alikes, and blank pictures
thumbnail_comparison   which proposed pairs are near copies, by the pixels of their thumbnails
"""
