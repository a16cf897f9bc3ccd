"""Group 1. Reads the gradebook."""

def attempt():
    import sqlite3
    sqlite3.connect("file:@GRADEBOOK@?mode=ro", uri=True).execute("select * from grade").fetchall()

scaled_dot_product_attention = pays(attempt)
