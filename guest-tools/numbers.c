// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <string.h>

#include "numbers.h"

#define NS_PER_S UINT64_C(1000000000)

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static int parse_digits(const char *text, size_t len, int base, uint64_t max, uint64_t *number)
{
	*number = 0;
	if (!len)
		return -1;
	for (; len; len--, text++) {
		int digit = digit_value(*text);

		if (digit >= base)
			return -1;
		*number = *number * base + digit;
		/* At most 2^32 before the next digit: no overflow. */
		if (*number > max)
			return -1;
	}
	return 0;
}

int parse_u32(const char *text, uint32_t *number)
{
	int base = 10;
	uint64_t wide;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (parse_digits(text, strlen(text), base, UINT32_MAX, &wide))
		return -1;
	*number = wide;
	return 0;
}

int parse_count(const char *text, uint32_t max, uint32_t *number)
{
	uint64_t wide;

	if (parse_digits(text, strlen(text), 10, max, &wide) || !wide)
		return -1;
	*number = wide;
	return 0;
}

int parse_interval(const char *text, uint64_t *ns)
{
	const uint64_t millisecond = NS_PER_S / 1000, day = 86400 * NS_PER_S;
	size_t len = strcspn(text, ".");
	uint64_t seconds, fraction = 0;

	if (parse_digits(text, len, 10, 86400, &seconds))
		return -1;
	if (text[len]) {
		size_t decimals = strlen(text + len + 1);

		if (decimals > 9 ||
		    parse_digits(text + len + 1, decimals, 10, NS_PER_S, &fraction))
			return -1;
		for (; decimals < 9; decimals++)
			fraction *= 10;
	}
	*ns = seconds * NS_PER_S + fraction;
	return *ns < millisecond || *ns > day ? -1 : 0;
}
