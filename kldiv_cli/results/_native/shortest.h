/* The shortest decimal that reads back as a float64, in the form of Python's repr. */

#ifndef KLDIV_SHORTEST_H
#define KLDIV_SHORTEST_H

#include <stdint.h>

/* The form of any float64, and of any int64, takes no more characters. */
#define LONGEST_NUMBER 24

/* The powers of 10 from LEAST_POWER on: two words each, the upper one first, of 128 bits rounded up
 * whose first is set. */
#define LEAST_POWER (-292)
#define POWERS 617

/* Write a finite number and return where it ends. */
char *write_float(char *to, double x, const uint64_t (*powers)[2]);

char *write_integer(char *to, int64_t x);

#endif
