"""A GTK program that takes one drop of files, and says what it was given; until then it says so every six seconds."""

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk


def taken(_widget, context, _x, _y, data, _info, time):
    for uri in data.get_uris():
        print("given", uri, flush=True)
    context.finish(True, False, time)
    Gtk.main_quit()


# No window manager is there to place it or to frame it.
window = Gtk.Window(type=Gtk.WindowType.POPUP)
window.set_default_size(120, 200)
window.move(1150, 300)
window.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
window.drag_dest_add_uri_targets()
window.connect("drag-data-received", taken)
window.connect("map-event", lambda *_: print("ready", flush=True))
window.show_all()
GLib.timeout_add_seconds(6, lambda: print("nothing yet", flush=True) or True)
Gtk.main()
