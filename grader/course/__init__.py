"""What is taught: course.yml, the exercises, and the part of them that may be shown."""
