@echo off
rem Copies Backline into your own plug-in folders; no administrator is needed.
setlocal
set "here=%~dp0"
set "common=%LOCALAPPDATA%\Programs\Common"
if not exist "%common%\CLAP" mkdir "%common%\CLAP"
if not exist "%common%\VST3\Backline.vst3\Contents\x86_64-win" mkdir "%common%\VST3\Backline.vst3\Contents\x86_64-win"
copy /y "%here%Backline.clap" "%common%\CLAP\Backline.clap" >nul || goto failed
copy /y "%here%Backline.vst3\Contents\x86_64-win\Backline.vst3" "%common%\VST3\Backline.vst3\Contents\x86_64-win\Backline.vst3" >nul || goto failed
echo Installed into %common%\CLAP and %common%\VST3.
echo Let your host look for new plug-ins; then see QUICKSTART.html.
exit /b 0
:failed
echo Backline could not be installed: close every host that uses it, check that you may write to %common%, and try again.
exit /b 1
