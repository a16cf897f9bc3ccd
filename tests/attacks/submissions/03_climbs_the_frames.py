"""Group 3. Looks for expected values in the frames of its callers."""

def attempt():
    import sys
    frame, names = sys._getframe(), set()
    while frame is not None:
        names |= set(frame.f_locals) | set(frame.f_globals)
        frame = frame.f_back
    return bool(names & {"expected", "cases", "reference", "predictions", "tolerance_of"})

scaled_dot_product_attention = pays(attempt)
