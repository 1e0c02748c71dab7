// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>

#include "json.h"

int json_member(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (object && !json_object_object_add(object, key, value))
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_null(struct json_object *object, const char *key)
{
	return object && !json_object_object_add(object, key, NULL) ? 0 : -ENOMEM;
}

int json_number(struct json_object *object, const char *key, bool known, uint64_t value)
{
	return known ? json_member(object, key, json_object_new_uint64(value)) :
		       json_null(object, key);
}

int json_real(struct json_object *object, const char *key, bool known, double value, int decimals)
{
	char text[400];

	if (!known || !isfinite(value))
		return json_null(object, key);
	snprintf(text, sizeof(text), "%.*f", decimals, value);
	return json_member(object, key, json_object_new_double_s(value, text));
}

int json_string(struct json_object *object, const char *key, const char *value)
{
	return value && *value ? json_member(object, key, json_object_new_string(value)) :
				 json_null(object, key);
}

struct json_object *json_element(struct json_object *array)
{
	struct json_object *o = json_object_new_object();

	if (o && json_object_array_add(array, o)) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

int json_print(struct json_object *doc, bool one_line, FILE *out)
{
	int flags = JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = json_object_to_json_string_ext(doc, one_line ? flags :
							  flags | JSON_C_TO_STRING_PRETTY);

	if (!text)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	return 0;
}
