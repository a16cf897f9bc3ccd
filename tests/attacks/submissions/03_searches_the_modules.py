"""Group 3. Looks for the trusted process's modules in this one."""

def attempt():
    import sys
    trusted = ("grader.course.key", "grader.course.authored", "grader.values.compare", "grader.grade", "grader.verdict.checks", "grading_", "shared")
    return any(name.startswith(trusted) for name in sys.modules)

scaled_dot_product_attention = pays(attempt)
