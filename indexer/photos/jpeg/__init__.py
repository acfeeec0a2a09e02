"""What is read of the bytes of a JPEG before its decoder has them: its scans, and whether its end is there.

`scans` counts the scans and leaves out those that a small picture does not need; `missing_end` mends a picture that
lacks nothing but its end marker. The pixels are the decoder's: this room only says which bytes it gets.
"""
