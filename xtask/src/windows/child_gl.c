// Whether OpenGL shows in a window without a parent, and in a child window, as a plug-in's is. Exits with 0 when both
// show, with 1 when only the first does, with 2 when neither does. No code of Backline's is in it: where a child
// stays dark here, it is the system's doing.
#include <windows.h>
#include <GL/gl.h>

static void rest(int times)
{
    MSG message;
    for (int i = 0; i < times; i++) {
        while (PeekMessageW(&message, NULL, 0, 0, PM_REMOVE))
            DispatchMessageW(&message);
        Sleep(10);
    }
}

// What the screen shows inside a window that OpenGL paints in one colour.
static COLORREF painted(HWND window)
{
    PIXELFORMATDESCRIPTOR form = {sizeof form, 1, PFD_DRAW_TO_WINDOW | PFD_SUPPORT_OPENGL | PFD_DOUBLEBUFFER,
                                  PFD_TYPE_RGBA, 32};
    HDC paper = GetDC(window), screen = GetDC(NULL);
    SetPixelFormat(paper, ChoosePixelFormat(paper, &form), &form);
    HGLRC brush = wglCreateContext(paper);
    wglMakeCurrent(paper, brush);
    for (int i = 0; i < 20; i++) {
        glClearColor(1, 0, 1, 1);
        glClear(GL_COLOR_BUFFER_BIT);
        SwapBuffers(paper);
        rest(2);
    }
    POINT place = {50, 50};
    ClientToScreen(window, &place);
    COLORREF seen = GetPixel(screen, place.x, place.y);
    wglMakeCurrent(NULL, NULL);
    wglDeleteContext(brush);
    ReleaseDC(window, paper);
    ReleaseDC(NULL, screen);
    return seen;
}

int main(void)
{
    WNDCLASSW class = {.style = CS_OWNDC, .lpfnWndProc = DefWindowProcW, .lpszClassName = L"gl"};
    RegisterClassW(&class);
    DWORD top = WS_POPUP | WS_VISIBLE | WS_CLIPCHILDREN;
    HWND alone = CreateWindowExW(0, L"gl", L"", top, 0, 0, 200, 200, NULL, NULL, NULL, NULL);
    HWND parent = CreateWindowExW(0, L"gl", L"", top, 300, 0, 200, 200, NULL, NULL, NULL, NULL);
    HWND child = CreateWindowExW(0, L"gl", L"", WS_CHILD | WS_VISIBLE, 0, 0, 200, 200, parent, NULL, NULL, NULL);
    rest(30);
    if (painted(alone) != RGB(255, 0, 255))
        return 2;
    return painted(child) == RGB(255, 0, 255) ? 0 : 1;
}
