/* What is done with a number of every row, in C. Importing the module needs no NumPy. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "lines.h"
#include "numbers.h"

static PyMethodDef methods[] = {
    {"lines", write_lines, METH_VARARGS, "Return rows as lines of text."},
    {"exact_sum", exact_sum, METH_VARARGS, "Return the exact sum of float64."},
    {"around", around, METH_VARARGS, "Return the values around places of the order."},
    {"top", top, METH_VARARGS, "Return the rows that come first."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_rows",
    .m_doc = "What is done with a number of every row, in C.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__rows(void)
{
    return PyModuleDef_Init(&definition);
}
