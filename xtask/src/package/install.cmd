@echo off
rem Copies Backline into your own plug-in folders; no administrator is needed. With --remove it takes it out again.
setlocal
set "here=%~dp0"
set "common=%LOCALAPPDATA%\Programs\Common"
set "clap=%common%\CLAP\Backline.clap"
set "bundle=%common%\VST3\Backline.vst3"
set "inner=%bundle%\Contents\x86_64-win"
set "vst3=%inner%\Backline.vst3"
set "said=%~1"
if "%said%"=="--remove" goto remove
if not "%said%"=="" goto usage

if not exist "%common%\CLAP" mkdir "%common%\CLAP"
if not exist "%inner%" mkdir "%inner%"
rem The new ones are whole beside the old ones before the old ones go. What is left of a move tells whether it failed: not
rem every cmd counts its errors.
copy /y "%here%Backline.clap" "%clap%.new" >nul
if errorlevel 1 goto failed
copy /y "%here%Backline.vst3\Contents\x86_64-win\Backline.vst3" "%vst3%.new" >nul
if errorlevel 1 goto failed
move /y "%clap%.new" "%clap%" >nul
if exist "%clap%.new" goto failed
move /y "%vst3%.new" "%vst3%" >nul
if exist "%vst3%.new" goto failed
echo Installed "%clap%"
echo Installed "%bundle%"
echo Let your host look for new plug-ins; then see QUICKSTART.html.
pause
exit /b 0

:remove
if exist "%clap%" del /q "%clap%"
if exist "%bundle%" rmdir /s /q "%bundle%"
if exist "%clap%" goto kept
if exist "%bundle%" goto kept
echo Backline is gone from "%common%". Your presets and clips stay.
exit /b 0

:failed
if exist "%clap%.new" del /q "%clap%.new"
if exist "%vst3%.new" del /q "%vst3%.new"
echo Backline could not be installed: close every host that uses it, check that you may write to "%common%", and try again.
pause
exit /b 1

:kept
echo Backline could not be removed: close every host that uses it, and try again.
exit /b 1

:usage
echo Usage: install.cmd [--remove]
exit /b 2
