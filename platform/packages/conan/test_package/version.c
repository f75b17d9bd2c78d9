/* Links the library that the package has, and says which one. */
#include <tacit/tacit.h>

#include <stdio.h>

int main(void) {
    tacit_error error;
    tacit_client *client = tacit_client_new(NULL, &error);
    if (!client) return 1;
    printf("tacit %s\n", tacit_version());
    tacit_client_unref(client);
    return 0;
}
