/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NUMBERS_H
#define NUMBERS_H

/* Numbers in arguments.  Strict: no sign, no blank, nothing before or after. */

#include <stdint.h>

/* Decimal, or hexadecimal after 0x.  0, or -1: junk, or out of range. */
int parse_u32(const char *text, uint32_t *number);

/* Decimal, from 1 to max. */
int parse_count(const char *text, uint32_t max, uint32_t *number);

/* Seconds, with up to nine decimals, from a millisecond to a day. */
int parse_interval(const char *text, uint64_t *ns);

#endif
