#include "lines.h"

#include <math.h>
#include <string.h>

#include "shortest.h"

enum { BLANK, NOT_A_NUMBER, PLUS_INFINITY, MINUS_INFINITY, WORDS };

typedef struct {
    const char *start;
    Py_ssize_t length;
} text_t;

typedef struct {
    enum { FLOATS, INTEGERS, TEXTS } kind;
    PyObject *texts;
    Py_buffer view;
} column_t;

typedef struct {
    Py_ssize_t rows, count;
    text_t *pieces; /* one more than columns */
    column_t *columns;
    const char *blank;
    text_t words[WORDS];
    const uint64_t (*powers)[2];
} table_t;

static char *append(char *to, text_t text)
{
    memcpy(to, text.start, (size_t)text.length);
    return to + text.length;
}

static int text_of(PyObject *bytes, text_t *found)
{
    char *start;
    if (PyBytes_AsStringAndSize(bytes, &start, &found->length) < 0)
        return -1;
    found->start = start;
    return 0;
}

/* Take the next column, and hold its rows against those of the others. */
static int take(table_t *table, PyObject *from)
{
    column_t *column = &table->columns[table->count++];
    Py_ssize_t rows;
    if (PyList_CheckExact(from)) {
        column->kind = TEXTS;
        column->texts = from;
        rows = PyList_GET_SIZE(from);
    } else {
        if (PyObject_GetBuffer(from, &column->view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) < 0)
            return -1;
        const char *format = column->view.format;
        if (column->view.itemsize != 8 || strlen(format) != 1 || strchr("dlq", *format) == NULL) {
            PyErr_Format(PyExc_TypeError, "no column of %s", format);
            return -1;
        }
        column->kind = *format == 'd' ? FLOATS : INTEGERS;
        rows = column->view.len / 8;
    }
    if (table->count > 1 && rows != table->rows) {
        PyErr_SetString(PyExc_ValueError, "columns of several lengths");
        return -1;
    }
    table->rows = rows;
    return 0;
}

/* Return the most bytes that a text takes in UTF-8; -1 with an exception where it is none. */
static Py_ssize_t most_of(PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a cell that is no text");
        return -1;
    }
    Py_ssize_t each = PyUnicode_IS_ASCII(text) ? 1 : 4;
    return each * PyUnicode_GET_LENGTH(text);
}

/* Return the most bytes that all lines take; -1 with an exception where that is none. */
static Py_ssize_t most_of_all(const table_t *table)
{
    Py_ssize_t line = table->pieces[0].length, number = LONGEST_NUMBER, texts = 0;
    for (int i = 0; i < WORDS; i++)
        if (table->words[i].length > number)
            number = table->words[i].length;
    for (Py_ssize_t i = 0; i < table->count; i++) {
        const column_t *column = &table->columns[i];
        line += table->pieces[i + 1].length + (column->kind == TEXTS ? 0 : number);
        for (Py_ssize_t row = 0; column->kind == TEXTS && row < table->rows; row++) {
            Py_ssize_t most = most_of(PyList_GET_ITEM(column->texts, row));
            if (most < 0)
                return -1;
            texts += most;
        }
    }
    return line * table->rows + texts;
}

/* NULL with an exception for half of a surrogate pair. */
static char *write_text(char *to, PyObject *text)
{
    if (PyUnicode_IS_ASCII(text))
        return append(to, (text_t){PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)});
    PyObject *bytes = PyUnicode_AsUTF8String(text); /* the text itself would keep what it has */
    if (bytes == NULL)
        return NULL;
    to = append(to, (text_t){PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)});
    Py_DECREF(bytes);
    return to;
}

static char *write_float_cell(char *to, const table_t *table, const column_t *column,
                              Py_ssize_t row)
{
    double x = ((const double *)column->view.buf)[row];
    if (table->blank != NULL && table->blank[row])
        return append(to, table->words[BLANK]);
    if (isfinite(x))
        return write_float(to, x, table->powers);
    if (isnan(x))
        return append(to, table->words[NOT_A_NUMBER]);
    return append(to, table->words[x > 0 ? PLUS_INFINITY : MINUS_INFINITY]);
}

static char *write_cell(char *to, const table_t *table, const column_t *column, Py_ssize_t row)
{
    switch (column->kind) {
    case FLOATS:
        return write_float_cell(to, table, column, row);
    case INTEGERS:
        return write_integer(to, ((const int64_t *)column->view.buf)[row]);
    default:
        return write_text(to, PyList_GET_ITEM(column->texts, row));
    }
}

static PyObject *written(const table_t *table)
{
    Py_ssize_t most = most_of_all(table);
    char *start = most < 0 ? NULL : PyMem_Malloc((size_t)most + 1), *to = start;
    if (start == NULL)
        return most < 0 ? NULL : PyErr_NoMemory();
    for (Py_ssize_t row = 0; to != NULL && row < table->rows; row++) {
        to = append(to, table->pieces[0]);
        for (Py_ssize_t i = 0; to != NULL && i < table->count; i++) {
            to = write_cell(to, table, &table->columns[i], row);
            if (to != NULL)
                to = append(to, table->pieces[i + 1]);
        }
    }
    PyObject *found = to == NULL ? NULL : PyUnicode_DecodeUTF8(start, to - start, NULL);
    PyMem_Free(start);
    return found;
}

static int fill(table_t *table, PyObject *pieces, PyObject *columns, PyObject *words)
{
    Py_ssize_t count = PyTuple_GET_SIZE(columns);
    if (PyTuple_GET_SIZE(pieces) != count + 1 || PyTuple_GET_SIZE(words) != WORDS) {
        PyErr_SetString(PyExc_ValueError, "pieces or words are missing");
        return -1;
    }
    table->pieces = PyMem_Calloc((size_t)count + 1, sizeof *table->pieces);
    table->columns = PyMem_Calloc((size_t)count + 1, sizeof *table->columns);
    if (table->pieces == NULL || table->columns == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i <= count; i++)
        if (text_of(PyTuple_GET_ITEM(pieces, i), &table->pieces[i]) < 0)
            return -1;
    for (int i = 0; i < WORDS; i++)
        if (text_of(PyTuple_GET_ITEM(words, i), &table->words[i]) < 0)
            return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        if (take(table, PyTuple_GET_ITEM(columns, i)) < 0)
            return -1;
    return 0;
}

PyObject *write_lines(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *pieces, *columns, *words, *found = NULL;
    Py_buffer blank = {0}, powers = {0};
    table_t table = {0};
    if (!PyArg_ParseTuple(args, "O!O!z*O!y*", &PyTuple_Type, &pieces, &PyTuple_Type, &columns,
                          &blank, &PyTuple_Type, &words, &powers))
        return NULL;
    if (fill(&table, pieces, columns, words) < 0)
        goto done;
    if (powers.len != POWERS * 16 || (blank.buf != NULL && blank.len != table.rows)) {
        PyErr_SetString(PyExc_ValueError, "powers, or blank rows, of another number");
        goto done;
    }
    table.blank = blank.buf;
    table.powers = powers.buf;
    found = written(&table);
done:
    for (Py_ssize_t i = 0; i < table.count; i++)
        PyBuffer_Release(&table.columns[i].view); /* that of texts is empty */
    PyMem_Free(table.pieces);
    PyMem_Free(table.columns);
    PyBuffer_Release(&blank);
    PyBuffer_Release(&powers);
    return found;
}
