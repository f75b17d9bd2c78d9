/* glib ISSUER CLIENT_ID ORIGIN PATH: requests from a program that lives on a GMainLoop, as GTK's do.
 * cc glib.c app.c $(pkg-config --cflags --libs tacit glib-2.0) -o glib */
#include "app.h"

#include <glib-unix.h>

typedef struct posted {
    void (*run)(void *job);
    void *job;
} posted;

static gboolean run_posted(gpointer data) {
    const posted *p = data;

    p->run(p->job);
    return G_SOURCE_REMOVE;
}

/* A source, and not g_main_context_invoke(): where it is the loop's own thread that called tacit, that
 * would run the job at once, in the midst of what the app was about to do. */
static bool post(void (*run)(void *job), void *job, void *loop) {
    GSource *source = g_idle_source_new();
    posted *p = g_new(posted, 1);

    *p = (posted){run, job};
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, run_posted, p, g_free);
    g_source_attach(source, g_main_loop_get_context(loop));
    g_source_unref(source);
    return true;
}

static void quit(void *loop) {
    g_main_loop_quit(loop);
}

static gboolean on_interrupt(gpointer loop) {
    quit(loop);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv) {
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    guint interrupt = g_unix_signal_add(SIGINT, on_interrupt, loop);
    gboolean is_over;
    int exit_code;

    if (!app_begin(argc, argv, post, quit, loop)) return 1;
    g_main_loop_run(loop);
    is_over = app_shut_down();
    while (g_main_context_iteration(NULL, FALSE)) continue;
    exit_code = app_end();
    if (!is_over) return exit_code;

    g_source_remove(interrupt);
    g_main_loop_unref(loop);
    return exit_code;
}
