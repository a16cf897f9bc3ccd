"""Group 3. Looks for the trusted process's modules in this one."""

def attempt():
    import sys
    trusted = ("grader.exercise", "grader.compare", "grader.grade", "grader.checks", "grading_", "shared")
    return any(name.startswith(trusted) for name in sys.modules)

scaled_dot_product_attention = pays(attempt)
