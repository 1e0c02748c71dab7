/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JSON_H
#define JSON_H

/*
 * json-c with errors: each function adds a member and returns 0 or -ENOMEM.  What
 * is not known becomes null.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

/* Takes over the value; NULL is a constructor's failure. */
int json_member(struct json_object *object, const char *key, struct json_object *value);

int json_null(struct json_object *object, const char *key);
int json_number(struct json_object *object, const char *key, bool known, uint64_t value);
/* With so many decimals, not with the seventeen digits of a double. */
int json_real(struct json_object *object, const char *key, bool known, double value, int decimals);
/* A string, each byte that is not UTF-8 as U+FFFD; NULL: out of memory. */
struct json_object *json_text(const char *text);
/* NULL and "" are not known. */
int json_string(struct json_object *object, const char *key, const char *value);

/* A new object in an array, which owns it; NULL: out of memory. */
struct json_object *json_element(struct json_object *array);

/* Over several lines, or on one.  0 or -ENOMEM; write errors are left in the stream. */
int json_print(struct json_object *doc, bool one_line, FILE *out);

#endif
